;; A message that is not UTF-8.
(data (i32.const 2048) "\ff\fe")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (i32.store offset=72 (i32.const 256) (i32.const 2048))
  (i32.store offset=76 (i32.const 256) (i32.const 2))
  (call $found (i32.const 256) (i32.const 1)))
