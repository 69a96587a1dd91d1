;; Reads an item whose number nobody gave it.
(data (i32.const 2048) "@name")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $get (i32.add (local.get $item) (i32.const 4)) (i32.const 2048) (i32.const 5) (i32.const 512))
  (call $pass))
