;; A thousand findings of one subject.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $at i32)
  (drop (memory.grow (i32.const 2)))
  (call $finding)
  (local.set $at (i32.const 65536))
  (loop $again
    (memory.copy (local.get $at) (i32.const 256) (i32.const 120))
    (local.set $at (i32.add (local.get $at) (i32.const 120)))
    (br_if $again (i32.lt_u (local.get $at) (i32.const 185536))))
  (call $found (i32.const 65536) (i32.const 1000)))
