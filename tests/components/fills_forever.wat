;; Fills a hundred megabytes with one instruction, over and over: a unit of fuel is not always worth a nanosecond.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (drop (memory.grow (i32.const 1530)))
  (loop $again
    (memory.fill (i32.const 131072) (i32.const 120) (i32.const 100000000))
    (br $again))
  unreachable)
