;; rule: id=needs-nodes reads=core/Node
;; rule: id=likes-nodes if-allowed=core/Node
;; Looks for nodes, and gives back the reason why there may be more.
(data (i32.const 2048) "core/Node")
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $last i32)
  (call $select (i32.const 2048) (i32.const 9) (i32.const 512))
  (if (i32.eqz (i32.load offset=4 (i32.const 512))) (then (return (call $pass))))
  (local.set $last (i32.add (i32.load (i32.const 512))
    (i32.mul (i32.const 60) (i32.sub (i32.load offset=4 (i32.const 512)) (i32.const 1)))))
  (call $unknown (i32.add (local.get $last) (i32.const 4))))
