//! Loading a pack: from untrusted bytes to rules that can be called.

use std::fmt;
use std::fs;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::engine::cache;
use crate::engine::compile;
use crate::engine::compile::{CompileLimits, Failure};
use crate::engine::contract::PackPre;
use crate::engine::describe::Described;
use crate::engine::host::Host;
use crate::engine::imports;
use crate::engine::imports::NotAPack;
use crate::engine::termination::RunFailure;
use crate::engine::{Engine, describe, native, nesting, text};
use crate::findings::finding::{BUILTIN, RuleInfo};
use crate::formats::hex::hex;

/// The built-in pack: its code, or the component where the build could not compile for this target. Both are empty if there
/// was no pack at build time.
static BUILTIN_CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.cwasm"));
static BUILTIN_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.wasm"));
const BUILTIN_DIGEST: &str = concat!("sha256:", env!("KARPCHECK_BUILTIN_DIGEST"));
/// Bytes of what a pack was loaded from, in messages.
const MOST_PATH: usize = 500;

/// A pack that cannot be used. None of its rules run.
#[derive(Debug, thiserror::Error)]
#[error("pack {pack} {fault}")]
pub struct PackError {
    /// What it was to be loaded from: a file, or `builtin`.
    pub pack: String,
    /// What is wrong with it: a fragment that goes on "the pack …".
    pub fault: PackFault,
}

/// What is wrong with a pack.
#[derive(Debug, thiserror::Error)]
pub enum PackFault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file is too large to be compiled safely.
    #[error("has more than {most} bytes, which is the most that is loaded: leave out what its rules do not use")]
    TooLarge {
        /// The bound, in bytes.
        most: u64,
    },
    /// Another one is pinned.
    #[error("has the digest {digest}, which is not the one that is pinned")]
    OtherDigest {
        /// Its own.
        digest: String,
    },
    /// It is not a pack.
    #[error(transparent)]
    NotAPack(NotAPack),
    /// It is not valid, or uses what is switched off: what the compiler says.
    #[error("cannot be compiled: {0}")]
    Invalid(String),
    /// Compiling takes too much CPU time.
    #[error("takes more than {seconds} s of CPU time to compile: make it smaller")]
    Slow {
        /// The bound.
        seconds: u64,
    },
    /// Compiling did not end: the machine is overloaded, or there is no limit of CPU time on it.
    #[error("was not compiled within {seconds} s of wall time: make it smaller, or try a machine that is less busy")]
    Late {
        /// The bound.
        seconds: u64,
    },
    /// Compiling takes too much memory.
    #[error("cannot be compiled with {mebibytes} MiB of memory ({said}): make it smaller")]
    Large {
        /// The bound.
        mebibytes: u64,
        /// The compiler's last words.
        said: String,
    },
    /// The process that compiles packs could not be started, or did not answer.
    #[error("was not compiled, since the process that does it failed: {0}")]
    NoCompiler(String),
    /// It is a pipe or a device, which may never end.
    #[error("is no file: a pack is never read from a pipe or a device")]
    NoFile,
    /// It asks for a function or a type that this host does not have.
    #[error("needs a newer karpcheck, or was not made from its contract: {0}")]
    Link(String),
    /// It could not list its rules: how that ended.
    #[error("could not list its rules: it {0}")]
    Describe(String),
    /// Its description of its rules is invalid.
    #[error("{0}")]
    Rules(String),
    /// This binary was built without rules.
    #[error(
        "is not in this karpcheck: kubectl-karpcheck/assets/builtin.wasm was missing when it was built, `kubectl \
         karpcheck pack build` makes it"
    )]
    NoBuiltin,
}

/// A pack whose rules can be called.
pub struct Pack {
    name: String,
    version: String,
    digest: String,
    rules: Vec<RuleInfo>,
    pub(super) pre: PackPre<Host>,
}

impl Pack {
    /// What it calls itself, or the name that it was loaded under: `builtin`, `platform`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own version: `1.4.0`.
    pub fn version(&self) -> &str {
        &self.version
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
        let Self { name, version, digest, rules, pre: _ } = self;
        let rules: Vec<&str> = rules.iter().map(|rule| &*rule.id).collect();
        f.debug_struct("Pack")
            .field("name", name)
            .field("version", version)
            .field("digest", digest)
            .field("rules", &rules)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// The built-in pack. It was compiled with the program, so nothing is compiled here.
    pub fn builtin(&self) -> Result<Pack, PackError> {
        let fault = |fault| PackError { pack: BUILTIN.into(), fault };
        if BUILTIN_CODE.is_empty() {
            return match BUILTIN_COMPONENT {
                [] => Err(fault(PackFault::NoBuiltin)),
                component => self.from_bytes(BUILTIN, component),
            };
        }
        let component = native::load(&self.engine, BUILTIN_CODE)
            .map_err(|error| fault(PackFault::Invalid(format!("{error:#}"))))?;
        self.link(None, BUILTIN_DIGEST.into(), &component).map_err(fault)
    }

    /// A pack from a file. It is called by its own name, or by `name` if that is given.
    pub fn load(&self, path: &Path, name: Option<&str>) -> Result<Pack, PackError> {
        self.load_pinned(path, name, None)
    }

    /// The same, of which nothing is compiled or run if it has another digest than the one that is pinned.
    pub fn load_pinned(&self, path: &Path, name: Option<&str>, pinned: Option<&str>) -> Result<Pack, PackError> {
        self.file(path)
            .and_then(|bytes| self.read(&bytes, name, pinned))
            .map_err(|fault| PackError { pack: text::line(&path.to_string_lossy(), MOST_PATH), fault })
    }

    /// The bytes of a file, one more than is allowed at most.
    fn file(&self, path: &Path) -> Result<Vec<u8>, PackFault> {
        // Opening a pipe waits for its other end.
        let kind = fs::metadata(path).map_err(PackFault::Unreadable)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            return Err(PackFault::NoFile);
        }
        let most = self.limits().component;
        let mut bytes = vec![];
        let read = File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
        read.map_err(PackFault::Unreadable)?;
        Ok(bytes)
    }

    /// A pack from a component's bytes. Errors call it `from`.
    pub fn from_bytes(&self, from: &str, component: &[u8]) -> Result<Pack, PackError> {
        self.load_bytes(from, component, None)
    }

    /// A pack from a component's bytes, called by its own name, or by `name` if that is given. Errors call it `from`.
    pub fn load_bytes(&self, from: &str, component: &[u8], name: Option<&str>) -> Result<Pack, PackError> {
        self.load_bytes_pinned(from, component, name, None)
    }

    /// The same, of which nothing is compiled or run if it has another digest than the one that is pinned.
    pub fn load_bytes_pinned(
        &self,
        from: &str,
        component: &[u8],
        name: Option<&str>,
        pinned: Option<&str>,
    ) -> Result<Pack, PackError> {
        self.read(component, name, pinned).map_err(|fault| PackError { pack: text::line(from, MOST_PATH), fault })
    }

    fn read(&self, component: &[u8], name: Option<&str>, pinned: Option<&str>) -> Result<Pack, PackFault> {
        let most = self.limits().component;
        if component.len() as u64 > most {
            return Err(PackFault::TooLarge { most });
        }
        let digest = format!("sha256:{}", hex(&Sha256::digest(component)));
        if pinned.is_some_and(|pinned| pinned != digest) {
            return Err(PackFault::OtherDigest { digest });
        }
        imports::recognise(component).map_err(PackFault::NotAPack)?;
        imports::look(component).map_err(PackFault::NotAPack)?;
        nesting::count(component).map_err(PackFault::NotAPack)?;
        let component = self.compiled(component)?;
        self.link(name, digest, &component)
    }

    fn compiled(&self, component: &[u8]) -> Result<Component, PackFault> {
        let key = self.cache.as_ref().map(|cache| (cache, cache::key(&self.engine, component)));
        if let Some((cache, key)) = &key
            && let Some(code) = cache.get(key)
            && let Ok(component) = native::load(&self.engine, &code)
        {
            return Ok(component);
        }
        let limits = CompileLimits { time: self.limits().compile, memory: self.limits().compile_memory };
        let code =
            compile::compile(&self.engine, self.compiler.as_deref(), component, limits).map_err(
                |failure| match failure {
                    Failure::Slow => PackFault::Slow { seconds: limits.time.as_secs() },
                    Failure::Late(waited) => PackFault::Late { seconds: waited.as_secs() },
                    Failure::Large(said) => PackFault::Large { mebibytes: limits.memory >> 20, said },
                    Failure::Invalid(why) => PackFault::Invalid(why),
                    Failure::NoCompiler(why) => PackFault::NoCompiler(why),
                },
            )?;
        let component = native::load(&self.engine, &code)
            .map_err(|error| PackFault::Invalid(text::line(&format!("{error:#}"), 500)))?;
        if let Some((cache, key)) = &key {
            cache.put(key, &code);
        }
        Ok(component)
    }

    /// Proves the imports, links the component and lists its rules.
    fn link(&self, name: Option<&str>, digest: String, component: &Component) -> Result<Pack, PackFault> {
        let kind = component.component_type();
        let (imports, exports) = (kind.imports(&self.engine), kind.exports(&self.engine));
        let (imports, exports): (Vec<&str>, Vec<&str>) =
            (imports.map(|(name, _)| name).collect(), exports.map(|(name, _)| name).collect());
        imports::prove(imports.iter().copied(), exports.iter().copied()).map_err(PackFault::NotAPack)?;
        let pre = self
            .linker
            .instantiate_pre(component)
            .and_then(PackPre::new)
            .map_err(|error| PackFault::Link(text::line(&format!("{error:#}"), 500)))?;
        let described = self
            .store(Host::describing(&self.limits))
            .map_err(|error| format!("could not be started: {error:#}"))
            .and_then(|mut store| {
                pre.instantiate(&mut store)
                    .and_then(|pack| pack.karpcheck_rules_rules().call_describe(&mut store))
                    .map_err(|error| RunFailure::new(&error, store.data_mut()).sentence())
            })
            .map_err(PackFault::Describe)?;
        let Described { name, version, rules } =
            describe::pack(name, described, &self.limits).map_err(PackFault::Rules)?;
        Ok(Pack { name, version, digest, rules, pre })
    }
}
