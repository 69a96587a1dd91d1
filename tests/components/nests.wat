;; Calls itself for ever.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (i32.add (i32.const 1) (call $check (local.get $rule) (local.get $rule-size) (local.get $item))))
