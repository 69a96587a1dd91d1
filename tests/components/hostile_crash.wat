;; rule: id=hostile-crash texts=hostile
;; Logs a command for a pipeline, and crashes.
(data (i32.const 2048) "\0a::error::x ##[error]x \1b[31m")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $log (i32.const 2048) (i32.const 28))
  unreachable)
