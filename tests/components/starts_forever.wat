;; Never ends being instantiated.
(func $forever (loop $again (br $again)))
(start $forever)
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $pass))
