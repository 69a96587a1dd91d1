;; describe: own
(data (i32.const 2048) "AWS::SQS::Queue")
(func (export "karpcheck:rules/rules@0.1.0#describe") (result i32)
  (call $select (i32.const 2048) (i32.const 15) (i32.const 512))
  (i32.const 512))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32) unreachable)
