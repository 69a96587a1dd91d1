;; Makes the host walk through an item again and again: no fuel of its own is spent there.
(data (i32.const 2048) "/**")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (loop $again
    (global.set $heap (i32.const 65536))
    (call $find (local.get $item) (i32.const 2048) (i32.const 3) (i32.const 512))
    (br $again))
  unreachable)
