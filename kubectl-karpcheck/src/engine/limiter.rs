//! Memory and tables, summed over a store: wasmtime's own limits are for each memory.

use wasmtime::ResourceLimiter;

use crate::engine::guest_fault::GuestFault;
use crate::engine::limits::Limits;

/// Bytes of a table's element in wasmtime.
const ELEMENT: usize = size_of::<usize>();

/// What a rule uses, and what it may use.
#[derive(Debug)]
pub(super) struct Limiter {
    bytes: usize,
    elements: usize,
    most_bytes: usize,
    most_elements: usize,
    instances: usize,
    tables: usize,
    memories: usize,
}

impl Limiter {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self {
            bytes: 0,
            elements: 0,
            most_bytes: limits.memory,
            most_elements: limits.table_elements,
            instances: limits.instances,
            tables: limits.tables,
            memories: limits.memories,
        }
    }

    fn grow(&mut self, bytes: usize) -> wasmtime::Result<()> {
        let sum = self.bytes.saturating_add(bytes);
        if sum > self.most_bytes {
            let most = self.most_bytes >> 20;
            return Err(GuestFault::Limit(format!("it needs more than {most} MiB of memory")).into());
        }
        self.bytes = sum;
        Ok(())
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        // A memory with a maximum of its own expects `false`, not an error.
        if most.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        self.grow(desired.saturating_sub(current))?;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        if most.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        let sum = self.elements.saturating_add(more);
        if sum > self.most_elements {
            let most = self.most_elements;
            return Err(GuestFault::Limit(format!("it needs more than {most} elements of tables")).into());
        }
        self.grow(more.saturating_mul(ELEMENT))?;
        self.elements = sum;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
