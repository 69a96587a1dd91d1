;; A message of a megabyte.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (drop (memory.grow (i32.const 20)))
  (memory.fill (i32.const 65536) (i32.const 120) (i32.const 1048576))
  (call $finding)
  (i32.store offset=72 (i32.const 256) (i32.const 65536))
  (i32.store offset=76 (i32.const 256) (i32.const 1048576))
  (call $found (i32.const 256) (i32.const 1)))
