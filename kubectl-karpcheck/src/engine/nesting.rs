//! Counts what a component instantiates, before it is compiled.
//!
//! Each level of nested components can instantiate the one below it several times, and the compiler unfolds them all before any
//! limit of a store counts one: 2 KB are enough for 2³⁰ instances.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Encoding,
    Parser, Payload,
};

use crate::engine::imports::NotAPack;

/// Instances of modules and components, all levels unfolded. A Python pack has some 100.
const MOST: u64 = 2_000;
/// Levels of components in components. The tools make two.
const DEEPEST: usize = 16;

/// A component that has begun and not ended.
struct Frame {
    /// A module is no component: it has no index among them.
    module: bool,
    /// What instantiating each of its components makes, by their index.
    components: Vec<u64>,
    /// What instantiating it makes.
    made: u64,
}

/// Counts the instances. Bytes that cannot be parsed are left to the compiler, which refuses them before it unfolds anything.
pub(super) fn count(bytes: &[u8]) -> Result<(), NotAPack> {
    let mut open: Vec<Frame> = vec![];
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { return Ok(()) };
        match payload {
            Payload::Version { encoding, .. } => {
                if encoding == Encoding::Component && open.len() >= DEEPEST {
                    return Err(NotAPack::Nested(DEEPEST));
                }
                open.push(Frame { module: encoding == Encoding::Module, components: vec![], made: 0 });
            }
            Payload::End(_) => {
                let Some(ended) = open.pop() else { return Ok(()) };
                // Also of one that is not instantiated: no pack needs it.
                if ended.made > MOST {
                    return Err(NotAPack::Instances(MOST));
                }
                if let Some(parent) = open.last_mut().filter(|_| !ended.module) {
                    parent.components.push(ended.made);
                }
            }
            _ => section(&mut open, payload)?,
        }
    }
    Ok(())
}

fn section(open: &mut [Frame], payload: Payload<'_>) -> Result<(), NotAPack> {
    let Some((frame, around)) = open.split_last_mut() else { return Ok(()) };
    match payload {
        Payload::InstanceSection(instances) => {
            frame.made = frame.made.saturating_add(instances.count().into());
        }
        Payload::ComponentInstanceSection(instances) => {
            for instance in instances.into_iter().flatten() {
                let below = match instance {
                    ComponentInstance::FromExports(_) => 0,
                    ComponentInstance::Instantiate { component_index, .. } => {
                        frame.components.get(component_index as usize).copied().unwrap_or(0)
                    }
                };
                frame.made = frame.made.saturating_add(below).saturating_add(1);
            }
        }
        Payload::ComponentAliasSection(aliases) => {
            for alias in aliases.into_iter().flatten() {
                match alias {
                    ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                        let made = match count {
                            0 => frame.components.get(index as usize).copied(),
                            count => {
                                let at = around.len().checked_sub(count as usize);
                                at.and_then(|at| around[at].components.get(index as usize).copied())
                            }
                        };
                        frame.components.push(made.unwrap_or(0));
                    }
                    ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                        return Err(NotAPack::HigherOrder);
                    }
                    _ => {}
                }
            }
        }
        Payload::ComponentImportSection(imports) => {
            let component = |reference: &ComponentTypeRef| matches!(reference, ComponentTypeRef::Component(_));
            if imports.into_iter().flatten().any(|import| component(&import.ty)) {
                return Err(NotAPack::HigherOrder);
            }
        }
        Payload::ComponentExportSection(exports) => {
            let mut exports = exports.into_iter().flatten();
            if exports.any(|export| export.kind == ComponentExternalKind::Component) {
                return Err(NotAPack::HigherOrder);
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Components that each instantiate the one below them so many times.
    fn nested(levels: usize, times: usize) -> Vec<u8> {
        let mut text = String::from("(component (component $c0 (core module $m) (core instance (instantiate $m)))");
        for level in 1..=levels {
            let below = level - 1;
            let instances = "(instance (instantiate $x))".repeat(times);
            text += &format!("(component $c{level} (alias outer 1 $c{below} (component $x)) {instances})");
        }
        wat::parse_str(format!("{text} (instance (instantiate $c{levels})))")).unwrap()
    }

    #[test]
    fn instances_are_counted_over_all_levels() {
        assert_eq!(count(&nested(5, 2)), Ok(()));
        assert_eq!(count(&nested(1, 600)), Ok(()));
        for (levels, times) in [(12, 2), (30, 2), (64, 2), (4, 100), (1, 1_500)] {
            assert_eq!(count(&nested(levels, times)), Err(NotAPack::Instances(MOST)), "{levels} {times}");
        }
    }

    #[test]
    fn components_are_not_handed_around() {
        let passed = r#"(component (component $f (import "c" (component $c)) (instance (instantiate $c))))"#;
        let exported = r#"(component (component $c) (export "c" (component $c)))"#;
        for text in [passed, exported] {
            assert_eq!(count(&wat::parse_str(text).unwrap()), Err(NotAPack::HigherOrder), "{text}");
        }
    }

    #[test]
    fn levels_are_bounded() {
        let deep = format!("{}{}", "(component ".repeat(40), ")".repeat(40));
        assert_eq!(count(&wat::parse_str(deep).unwrap()), Err(NotAPack::Nested(DEEPEST)));
    }
}
