;; Follows a reference to a kind that it does not declare, and gives the reason back.
(data (i32.const 2048) "/KmsMasterKeyId")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $link i32)
  (call $related (local.get $item) (i32.const 2048) (i32.const 15) (i32.const 512))
  (if (i32.eqz (i32.load offset=4 (i32.const 512))) (then (return (call $pass))))
  (local.set $link (i32.load (i32.const 512)))
  (if (i32.ne (i32.load8_u (local.get $link)) (i32.const 2)) (then unreachable))
  (call $unknown (i32.add (local.get $link) (i32.const 4))))
