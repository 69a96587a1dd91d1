;; Asks for a setting that it does not have.
(data (i32.const 2048) "threshold")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $setting (i32.const 2048) (i32.const 9) (i32.const 512))
  (call $pass))
