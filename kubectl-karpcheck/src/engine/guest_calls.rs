//! The contract's functions, as the host serves them to a guest.

use wasmtime::component::{HasSelf, Linker};

use crate::engine::contract::{
    Decision, Request, WitPlace, WitReason, WitValue, answer, found, from_json, link_of, unknown, value, wit,
};
use crate::engine::decide;
use crate::engine::host::Host;

/// Offers the contract's functions, and nothing else.
pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<_>>(linker, |host| host)
}

impl wit::Host for Host {
    fn select(&mut self, kind: String) -> wasmtime::Result<Vec<wit::Found>> {
        self.called("select", kind.len())?;
        let wording = self.wording();
        Ok(Self::select(self, &kind)?.into_iter().map(|one| found(one, wording)).collect())
    }

    fn get(&mut self, item: u32, pointer: String) -> wasmtime::Result<WitValue> {
        self.called("get", pointer.len())?;
        let inventory = self.inventory()?;
        let wording = self.wording();
        Ok(value(Self::get(self, &inventory, item, &pointer)?, wording))
    }

    fn views(&mut self, item: u32, pointer: String) -> wasmtime::Result<Vec<wit::Seen>> {
        self.called("views", pointer.len())?;
        let inventory = self.inventory()?;
        let wording = self.wording();
        let views = Self::views(self, &inventory, item, &pointer)?;
        // A fact beside the body is about the item as a whole.
        let at = if pointer.starts_with('@') { "" } else { &pointer };
        Ok(views
            .into_iter()
            .map(|(source, seen)| wit::Seen {
                source: source.into(),
                value: value(seen, wording),
                at: WitPlace { item, pointer: at.into(), note: String::new() },
            })
            .collect())
    }

    fn open(&mut self, item: u32, pointer: String) -> wasmtime::Result<Option<WitReason>> {
        self.called("open", pointer.len())?;
        let wording = self.wording();
        Ok(Self::open(self, item, &pointer)?.map(|open| unknown(open, wording)))
    }

    fn matches(&mut self, item: u32, pointer: String, pattern: String) -> wasmtime::Result<wit::Answer> {
        self.called("matches", pointer.len() + pattern.len())?;
        Ok(answer(Self::matches(self, item, &pointer, &pattern)?))
    }

    fn same(&mut self, item: u32, pointer: String, other: u32, other_pointer: String) -> wasmtime::Result<wit::Answer> {
        self.called("same", pointer.len() + other_pointer.len())?;
        Ok(answer(Self::same(self, item, &pointer, other, &other_pointer)?))
    }

    fn find(&mut self, item: u32, pattern: String) -> wasmtime::Result<Vec<wit::Field>> {
        self.called("find", pattern.len())?;
        let inventory = self.inventory()?;
        let wording = self.wording();
        let fields = Self::find(self, &inventory, item, &pattern)?;
        Ok(fields.into_iter().map(|field| wit::Field { at: field.at, value: value(field.value, wording) }).collect())
    }

    fn related(&mut self, item: u32, pattern: String) -> wasmtime::Result<Vec<wit::Link>> {
        self.called("related", pattern.len())?;
        let wording = self.wording();
        Ok(Self::related(self, item, &pattern)?.into_iter().map(|link| link_of(link, wording)).collect())
    }

    fn referrers(&mut self, item: u32, kind: String) -> wasmtime::Result<Vec<wit::Link>> {
        self.called("referrers", kind.len())?;
        let wording = self.wording();
        Ok(Self::referrers(self, item, &kind)?.into_iter().map(|link| link_of(link, wording)).collect())
    }

    fn peers(&mut self, item: u32, pointer: String, kind: String, pattern: String) -> wasmtime::Result<Vec<wit::Link>> {
        self.called("peers", pointer.len() + kind.len() + pattern.len())?;
        let wording = self.wording();
        Ok(Self::peers(self, item, &pointer, &kind, &pattern)?.into_iter().map(|link| link_of(link, wording)).collect())
    }

    fn decide(&mut self, request: Request) -> wasmtime::Result<Decision> {
        self.called("decide", 0)?;
        Ok(decide::decide(self, request)?)
    }

    fn setting(&mut self, name: String) -> wasmtime::Result<WitValue> {
        self.called("setting", name.len())?;
        Ok(from_json(Self::setting(self, &name)?))
    }

    fn log(&mut self, text: String) -> wasmtime::Result<()> {
        self.called("log", text.len())?;
        Self::log(self, &text);
        Ok(())
    }
}
