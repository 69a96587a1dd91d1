;; Asks for a field by what is no JSON pointer.
(data (i32.const 2048) "KmsMasterKeyId")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $get (local.get $item) (i32.const 2048) (i32.const 14) (i32.const 512))
  (call $pass))
