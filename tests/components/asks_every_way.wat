;; One question that visits every node once for each of the ways to it.
(data (i32.const 2048) "/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/none")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $find (local.get $item) (i32.const 2048) (i32.const 65) (i32.const 512))
  (call $pass))
