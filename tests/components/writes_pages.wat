;; rule: id=writes-pages texts=page
;; Texts that are markup where a report is a page: HTML, and Markdown with a picture that tells its server who looks at it.
(data (i32.const 2048) "<script>x</script><img src=x onerror=x> ![a](https://example.com/p.png) [a](javascript:x) | a | @acme")
(func $text (param $at i32)
  (i32.store (local.get $at) (i32.const 2048))
  (i32.store offset=4 (local.get $at) (i32.const 101)))
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (call $text (i32.const 328))
  (call $text (i32.const 336))
  (call $found (i32.const 256) (i32.const 1)))
