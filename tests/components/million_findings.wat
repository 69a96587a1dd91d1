;; A million findings of one subject.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (drop (memory.grow (i32.const 1840)))
  (call $found (i32.const 65536) (i32.const 1000000)))
