;; Logs without end, and crashes.
(data (i32.const 2048) "line")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $count i32)
  (loop $again
    (call $log (i32.const 2048) (i32.const 4))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $count) (i32.const 50000))))
  unreachable)
