;; realloc: own
;; Gives the host room that is not in its memory.
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (i32.const -16))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $pass))
