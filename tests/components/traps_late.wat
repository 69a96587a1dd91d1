;; Passes, and crashes on the first item that has this number or a higher one.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (if (i32.ge_u (local.get $item) (i32.const 1000)) (then unreachable))
  (call $pass))
