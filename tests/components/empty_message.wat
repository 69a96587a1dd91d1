;; Says nothing but blanks.
(data (i32.const 2048) " \n\t\1b")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (i32.store offset=72 (i32.const 256) (i32.const 2048))
  (i32.store offset=76 (i32.const 256) (i32.const 4))
  (call $found (i32.const 256) (i32.const 1)))
