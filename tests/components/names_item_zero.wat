;; Shows item 0, as a number that went wrong does.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (memory.fill (i32.const 512) (i32.const 0) (i32.const 20))
  (i32.store offset=88 (i32.const 256) (i32.const 512))
  (i32.store offset=92 (i32.const 256) (i32.const 1))
  (call $found (i32.const 256) (i32.const 1)))
