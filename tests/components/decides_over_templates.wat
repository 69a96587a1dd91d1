;; Asks for a decision whose 200 templates of 4 KB hold a field 1,365 times each.
(data (i32.const 2048) "events.amazonaws.com")
(data (i32.const 2080) "sqs:SendMessage")
(data (i32.const 2112) "/QueueName")
(data (i32.const 2128) "aws:RequestTag/k")
(data (i32.const 2160) "{0}")
;; Entries of the context lie at 200000, 80 bytes each; the template, {0} 1,365 times, at 230000; the field at 240000.
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (local $at i32)
  (if (i32.lt_u (memory.size) (i32.const 4)) (then (drop (memory.grow (i32.const 1)))))
  (local.set $at (i32.const 0))
  (loop $fill
    (memory.copy (i32.add (i32.const 230000) (local.get $at)) (i32.const 2160) (i32.const 3))
    (br_if $fill (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 3))) (i32.const 4095))))
  (local.set $at (i32.const 200000))
  (loop $entry
    (memory.fill (local.get $at) (i32.const 0) (i32.const 80))
    (i32.store (local.get $at) (i32.const 2128))
    (i32.store offset=4 (local.get $at) (i32.const 16))
    (i32.store8 offset=8 (local.get $at) (i32.const 1))
    (i32.store offset=16 (local.get $at) (i32.const 230000))
    (i32.store offset=20 (local.get $at) (i32.const 4095))
    (br_if $entry
      (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 80))) (i32.const 216000))))
  (i32.store (i32.const 240000) (local.get $item))
  (i32.store (i32.const 240004) (i32.const 2112))
  (i32.store (i32.const 240008) (i32.const 10))
  (call $decide
    (i32.const 1) (i32.const 2048) (i32.const 20)
    (i32.const 2080) (i32.const 15)
    (i32.const 0) (local.get $item) (i32.const 0)
    (i32.const 200000) (i32.const 200) (i32.const 240000) (i32.const 1)
    (i32.const 512))
  (call $pass))
