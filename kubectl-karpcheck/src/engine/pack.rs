//! Loading a pack: from bytes that may be anything to rules that may be called.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::engine::cache;
use crate::engine::cache::hex;
use crate::engine::compile;
use crate::engine::compile::Failure;
use crate::engine::contract::PackPre;
use crate::engine::host::Host;
use crate::engine::imports;
use crate::engine::imports::NotAPack;
use crate::engine::termination::RunFailure;
use crate::engine::{BUILTIN, Engine, describe, native, text};
use crate::findings::finding::RuleInfo;

/// What the build made of the built-in pack: its code, or where the build could not compile for this target the
/// component. Both empty where there was no pack to build in.
static BUILTIN_CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.cwasm"));
static BUILTIN_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.wasm"));
const BUILTIN_DIGEST: &str = concat!("sha256:", env!("KARPCHECK_BUILTIN_DIGEST"));
/// Bytes of a pack's name.
const MOST_NAME: usize = 64;

/// A pack that cannot be used. None of its rules run.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The file cannot be read.
    #[error("read pack {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is too large to be compiled safely.
    #[error(
        "pack {name} has more than {most} bytes, which is the most that is loaded: leave out what its rules do not use"
    )]
    TooLarge {
        /// The pack.
        name: String,
        /// The bound, in bytes.
        most: u64,
    },
    /// It is something else.
    #[error("pack {name} {source}")]
    NotAPack {
        /// The pack.
        name: String,
        /// What it is.
        source: NotAPack,
    },
    /// It is not valid, or uses what is switched off.
    #[error("pack {name} cannot be compiled: {why}")]
    Invalid {
        /// The pack.
        name: String,
        /// What the compiler says.
        why: String,
    },
    /// Compiling takes too long.
    #[error("pack {name} takes longer than {seconds} s to compile: make it smaller")]
    Slow {
        /// The pack.
        name: String,
        /// The bound.
        seconds: u64,
    },
    /// It asks for a function or a type that this host does not have.
    #[error("pack {name} needs a newer karpcheck, or was not made from its contract: {why}")]
    Link {
        /// The pack.
        name: String,
        /// What is missing.
        why: String,
    },
    /// It could not list its rules.
    #[error("pack {name} could not list its rules: it {why}")]
    Describe {
        /// The pack.
        name: String,
        /// How that ended.
        why: String,
    },
    /// What it says of its rules cannot be.
    #[error("pack {name} {why}")]
    Rules {
        /// The pack.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// This binary was built without rules.
    #[error(
        "this karpcheck was built without its rules: kubectl-karpcheck/assets/builtin.wasm was missing, `kubectl karpcheck pack build` makes it"
    )]
    NoBuiltin,
}

/// A pack whose rules may be called.
pub struct Pack {
    name: String,
    described: (String, String),
    digest: String,
    rules: Vec<RuleInfo>,
    pub(super) pre: PackPre<Host>,
}

impl Pack {
    /// `builtin`, or the file's name without its extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it calls itself: its name and version.
    pub fn described(&self) -> (&str, &str) {
        (&self.described.0, &self.described.1)
    }

    /// `sha256:…` of the component.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rules, as the pack lists them.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules
    }
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, described, digest, rules, pre: _ } = self;
        let rules: Vec<&str> = rules.iter().map(|rule| &*rule.id).collect();
        f.debug_struct("Pack")
            .field("name", name)
            .field("described", described)
            .field("digest", digest)
            .field("rules", &rules)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// The built-in pack. It was compiled with the program, so nothing is compiled here.
    pub fn builtin(&self) -> Result<Pack, PackError> {
        if BUILTIN_CODE.is_empty() {
            return match BUILTIN_COMPONENT {
                [] => Err(PackError::NoBuiltin),
                component => self.from_bytes(BUILTIN, component),
            };
        }
        let component = native::load(&self.engine, BUILTIN_CODE)
            .map_err(|error| PackError::Invalid { name: BUILTIN.into(), why: format!("{error:#}") })?;
        self.link(BUILTIN.into(), BUILTIN_DIGEST.into(), &component)
    }

    /// A pack from a file, by whose name it is called.
    pub fn load(&self, path: &Path) -> Result<Pack, PackError> {
        let stem = path.file_stem().map(|stem| text::line(&stem.to_string_lossy(), MOST_NAME)).unwrap_or_default();
        // Nobody else's pack is called like the built-in one, whose name the report leaves out.
        let name = if stem == BUILTIN || stem.is_empty() { format!("{stem}-file") } else { stem };
        let most = self.limits().component;
        let mut bytes = vec![];
        let read = File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
        read.map_err(|source| PackError::Read { path: path.into(), source })?;
        self.from_bytes(&name, &bytes)
    }

    /// A pack from a component's bytes.
    pub fn from_bytes(&self, name: &str, component: &[u8]) -> Result<Pack, PackError> {
        let name = text::line(name, MOST_NAME);
        let not_a_pack = |source| PackError::NotAPack { name: name.clone(), source };
        let most = self.limits().component;
        if component.len() as u64 > most {
            return Err(PackError::TooLarge { name, most });
        }
        imports::recognise(component).map_err(not_a_pack)?;
        imports::look(component).map_err(not_a_pack)?;
        let digest = format!("sha256:{}", hex(&Sha256::digest(component)));
        let component = self.compiled(&name, component)?;
        self.link(name, digest, &component)
    }

    fn compiled(&self, name: &str, component: &[u8]) -> Result<Component, PackError> {
        let key = self.cache.as_ref().map(|cache| (cache, cache::key(&self.engine, component)));
        if let Some((cache, key)) = &key
            && let Some(code) = cache.get(key)
            && let Ok(component) = native::load(&self.engine, &code)
        {
            return Ok(component);
        }
        let name = name.to_owned();
        let most = self.limits().compile;
        let code = match compile::compile(&self.engine, self.compiler.as_deref(), component, most) {
            Ok(code) => code,
            Err(Failure::Slow) => return Err(PackError::Slow { name, seconds: most.as_secs() }),
            Err(Failure::Invalid(why)) => return Err(PackError::Invalid { name, why }),
        };
        let component = native::load(&self.engine, &code)
            .map_err(|error| PackError::Invalid { name, why: text::line(&format!("{error:#}"), 500) })?;
        if let Some((cache, key)) = &key {
            cache.put(key, &code);
        }
        Ok(component)
    }

    /// Proves, links and lists.
    fn link(&self, name: String, digest: String, component: &Component) -> Result<Pack, PackError> {
        let kind = component.component_type();
        let (imports, exports) = (kind.imports(&self.engine), kind.exports(&self.engine));
        let (imports, exports): (Vec<&str>, Vec<&str>) =
            (imports.map(|(name, _)| name).collect(), exports.map(|(name, _)| name).collect());
        if let Err(source) = imports::prove(imports.iter().copied(), exports.iter().copied()) {
            return Err(PackError::NotAPack { name, source });
        }
        let linked = self.linker.instantiate_pre(component).and_then(PackPre::new);
        let pre = match linked {
            Ok(pre) => pre,
            Err(error) => return Err(PackError::Link { name, why: text::line(&format!("{error:#}"), 500) }),
        };
        let described = self
            .store(Host::describing(&self.limits))
            .map_err(|error| format!("could not be started: {error:#}"))
            .and_then(|mut store| {
                pre.instantiate(&mut store)
                    .and_then(|pack| pack.karpcheck_rules_rules().call_describe(&mut store))
                    .map_err(|error| RunFailure::new(&error, store.data_mut()).sentence())
            });
        let described = match described {
            Ok(described) => described,
            Err(why) => return Err(PackError::Describe { name, why }),
        };
        match describe::pack(&name, described, &self.limits) {
            Ok(pack) => Ok(Pack { name, described: (pack.name, pack.version), digest, rules: pack.rules, pre }),
            Err(why) => Err(PackError::Rules { name, why }),
        }
    }
}
