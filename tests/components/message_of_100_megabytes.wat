;; A message of 100 MB.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (drop (memory.grow (i32.const 1530)))
  (memory.fill (i32.const 131072) (i32.const 120) (i32.const 100000000))
  (call $finding)
  (i32.store offset=72 (i32.const 256) (i32.const 131072))
  (i32.store offset=76 (i32.const 256) (i32.const 100000000))
  (call $found (i32.const 256) (i32.const 1)))
