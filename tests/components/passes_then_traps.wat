;; Judges the first subject, and crashes on the second.
(data (i32.const 2048) "about to \1b[31mcrash\n")
(global $count (mut i32) (i32.const 0))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (global.set $count (i32.add (global.get $count) (i32.const 1)))
  (call $log (i32.const 2048) (i32.const 20))
  (if (i32.gt_u (global.get $count) (i32.const 1)) (then unreachable))
  (call $finding)
  (call $found (i32.const 256) (i32.const 1)))
