;; Asks who of a kind that it does not declare has its name.
(data (i32.const 2048) "@name")
(data (i32.const 2064) "AWS::KMS::Key")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $peers (local.get $item) (i32.const 2048) (i32.const 5) (i32.const 2064) (i32.const 13)
    (i32.const 2048) (i32.const 5) (i32.const 512))
  (call $pass))
