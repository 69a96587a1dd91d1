;; Clears the screen, colours it, and writes backwards.
(data (i32.const 2048) "a\1b[2J\07b\0a\0dc\e2\80\aed\c2\9b31m")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (i32.store offset=72 (i32.const 256) (i32.const 2048))
  (i32.store offset=76 (i32.const 256) (i32.const 19))
  (i32.store offset=80 (i32.const 256) (i32.const 2048))
  (i32.store offset=84 (i32.const 256) (i32.const 19))
  (call $found (i32.const 256) (i32.const 1)))
