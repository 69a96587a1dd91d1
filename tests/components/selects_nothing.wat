;; rule: id=selects-nothing reads=core/Pod
;; Asks for items of a kind that there are none of, without end.
(data (i32.const 2048) "core/Pod")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $heap i32)
  (local.set $heap (global.get $heap))
  (loop $again
    (call $select (i32.const 2048) (i32.const 8) (i32.const 512))
    (global.set $heap (local.get $heap))
    (br $again))
  unreachable)
