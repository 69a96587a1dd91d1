;; realloc: own
;; Asks the inventory while the host hands it an answer.
(data (i32.const 2048) "/QueueName")
(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (call $get (i32.const 1) (i32.const 2048) (i32.const 10) (i32.const 512))
  (i32.const 65536))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $get (local.get $item) (i32.const 2048) (i32.const 10) (i32.const 512))
  (call $pass))
