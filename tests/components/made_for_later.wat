;; whole
(component
  (import "karpcheck:rules/inventory@0.3.0" (instance))
  (instance $rules)
  (export "karpcheck:rules/rules@0.3.0" (instance $rules)))
