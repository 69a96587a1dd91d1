;; rule: id=about-old-versions karpenter=<1
;; rule: id=about-these-versions karpenter=>=1,<2
;; rule: id=about-pods subjects=core/Pod
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (call $finding)
  (call $found (i32.const 256) (i32.const 1)))
