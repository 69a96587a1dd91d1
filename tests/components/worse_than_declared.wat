;; rule: id=worse-than-declared severity=warning
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (i32.store8 offset=1 (i32.const 256) (i32.const 0))
  (call $found (i32.const 256) (i32.const 1)))
