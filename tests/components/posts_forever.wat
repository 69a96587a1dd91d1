;; Judges, and never ends when it is asked to clear away what it gave.
(func (export "cabi_post_karpcheck:rules/rules@0.1.0#check") (param i32)
  (loop $again (br $again)))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (call $found (i32.const 256) (i32.const 1)))
