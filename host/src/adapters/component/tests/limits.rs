//! Each limit has an error of its own, also where wasmtime has only words for it.

use std::time::Duration;

use wasmtime::{
    Config, Engine, Store,
    component::{Component, Linker, ResourceTable},
};

use super::{failure_of, nothing, queued};
use crate::{
    adapters::component::{
        hooks::OnFailure,
        instance::{
            call::{Circumstances, classify},
            limits::{Growth, LimitOverrides, Limits, MOST_PARTS},
        },
        testing::Guest,
    },
    ports::hooks::Hooks,
};

fn circumstances(limits: Limits) -> Circumstances {
    Circumstances {
        guest_time: Duration::ZERO,
        wall_time: Duration::ZERO,
        limits,
        refused: None,
    }
}

/// Why a component cannot be started within these limits.
fn failure(component: &str, limits: Limits) -> Option<String> {
    let engine = Engine::new(Config::new().wasm_component_model(true)).unwrap();
    let component = Component::new(&engine, wat::parse_str(component).unwrap()).unwrap();
    let mut store = Store::new(&engine, Growth::new(limits));
    store.limiter(|growth| growth);
    store.set_max_component_handles(limits.handles);
    let started = Linker::new(&engine).instantiate(&mut store, &component);
    started
        .err()
        .map(|error| classify(&error, &circumstances(limits)).to_string())
}

#[test]
fn a_component_of_too_many_parts_says_so() {
    let component = |parts: usize| {
        let parts = "(core instance (instantiate $m))".repeat(parts);
        format!("(component (core module $m (memory 0)) {parts})")
    };
    assert_eq!(failure(&component(MOST_PARTS), Limits::default()), None);
    insta::assert_snapshot!(
        failure(&component(MOST_PARTS + 1), Limits::default()).unwrap(),
        @"it is made of more than 64 core instances, memories or tables, which no setting changes; compose it of fewer parts"
    );
}

#[test]
fn handles_are_bounded() {
    let component = |count: u32| {
        format!(
            r#"(component
                (type $r (resource (rep i32)))
                (core func $new (canon resource.new $r))
                (core module $m
                    (import "" "new" (func $new (param i32) (result i32)))
                    (func $start (local $left i32)
                        (local.set $left (i32.const {count}))
                        (loop $again
                            (drop (call $new (i32.const 1)))
                            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
                    (start $start))
                (core instance (instantiate $m (with "" (instance (export "new" (func $new)))))))"#
        )
    };
    let user = LimitOverrides {
        handles: Some(20),
        ..LimitOverrides::default()
    };
    let limits = Limits::new(LimitOverrides::default(), user);
    assert_eq!(failure(&component(20), limits), None);
    insta::assert_snapshot!(failure(&component(21), limits).unwrap(), @"it held more than 20 files, streams or sockets at once; if it needs that many, set `handles` for it in xqute.toml");
}

#[test]
fn so_is_what_the_host_holds_for_a_guest() {
    let mut table = ResourceTable::new();
    table.set_max_capacity(0);
    let error = wasmtime::Error::from(table.push(1).unwrap_err()).context("while it opened a file");
    let said = classify(&error, &circumstances(Limits::default())).to_string();
    assert!(said.starts_with("it held more than 256 files"), "{said}");
}

#[tokio::test]
async fn tables_are_bounded_and_not_called_memory() {
    let observe = "(if (i32.eq (table.grow (ref.null func) (i32.const 200000)) (i32.const -1)) (then unreachable))";
    let guest = Guest {
        observe,
        ..Guest::default()
    };
    insta::assert_snapshot!(failure_of(guest.clone(), nothing).await, @"plugin guest, call observer.observe: its tables needed more than 100000 elements; if it needs that many, set `table-elements` for it in xqute.toml");
    let started = guest
        .start(None, |source, _| source.settings.limits.table_elements = Some(300_000))
        .await
        .unwrap();
    let hooks = started.hooks.unwrap();
    hooks.observe(&[queued()]).await.unwrap();
    assert_eq!(hooks.reports()[0].failures, 0);
}

#[tokio::test]
async fn what_may_pass_can_be_raised() {
    // What is there by then are zeros, which are text.
    let observe =
        "(drop (memory.grow (i32.const 640))) (call $log (i32.const 2) (i32.const 65536) (i32.const 40000000))";
    let guest = Guest {
        observe,
        ..Guest::default()
    };
    let started = guest.start(None, |source, _| {
        source.settings.limits.pass_mib = Some(100);
        source.settings.on_failure = Some(OnFailure::Halt);
    });
    let hooks = started.await.unwrap().hooks.unwrap();
    hooks.observe(&[queued()]).await.unwrap();
}
