;; describe: own
(func (export "karpcheck:rules/rules@0.1.0#describe") (result i32) (global.get $nothing))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32) unreachable)
