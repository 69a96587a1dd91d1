;; Asks for a decision about an action that is none.
(data (i32.const 2048) "decrypt")
(data (i32.const 2056) "*")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $decide
    (i32.const 0) (local.get $item) (i32.const 0)
    (i32.const 2048) (i32.const 7)
    (i32.const 1) (i32.const 2056) (i32.const 1)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 512))
  (call $pass))
