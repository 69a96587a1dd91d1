;; Points at a place that is no JSON pointer.
(data (i32.const 2048) "KmsMasterKeyId")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (i32.store offset=64 (i32.const 256) (i32.const 2048))
  (i32.store offset=68 (i32.const 256) (i32.const 14))
  (call $found (i32.const 256) (i32.const 1)))
