;; rule: id=hostile-texts texts=hostile
;; Puts commands of pipelines and of terminals into each text that it has.
(data (i32.const 2048) "\0a::error::x ##[error]x ##vso[task.complete]x \1b[31m \c2\9b2J \e2\80\ae \e2\80\8b end")
(func $text (param $at i32)
  (i32.store (local.get $at) (i32.const 2048))
  (i32.store offset=4 (local.get $at) (i32.const 67)))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $log (i32.const 2048) (i32.const 67))
  (call $finding)
  (call $text (i32.const 328))
  (call $text (i32.const 336))
  (call $found (i32.const 256) (i32.const 1)))
