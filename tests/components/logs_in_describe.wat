;; describe: own
;; Logs 4 MiB of nothing, over and over, while it lists its rules.
(func (export "karpcheck:rules/rules@0.1.0#describe") (result i32)
  (drop (memory.grow (i32.const 64)))
  (loop $again
    (call $log (i32.const 0) (i32.const 4194304))
    (br $again))
  unreachable)
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $pass))
