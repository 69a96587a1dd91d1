;; Asks for table elements for ever.
(table $table 1 funcref)
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (loop $again (drop (table.grow $table (ref.null func) (i32.const 10000))) (br $again))
  unreachable)
