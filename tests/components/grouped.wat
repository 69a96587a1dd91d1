;; A finding with a group.
(data (i32.const 2048) "not-rotated\07")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (i32.store offset=104 (i32.const 256) (i32.const 2048))
  (i32.store offset=108 (i32.const 256) (i32.const 12))
  (call $found (i32.const 256) (i32.const 1)))
