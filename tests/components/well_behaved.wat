;; Finds the same in every subject.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (call $found (i32.const 256) (i32.const 1)))
