;; Selects a kind that it does not declare.
(data (i32.const 2048) "AWS::KMS::Key")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $select (i32.const 2048) (i32.const 13) (i32.const 512))
  (call $pass))
