;; realloc: own
;; Never ends when the host asks it for room.
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (loop $again (br $again))
  unreachable)
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $pass))
