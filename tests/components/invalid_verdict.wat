;; A kind of verdict that there is none of.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (i32.store8 (i32.const 64) (i32.const 9))
  (i32.const 64))
