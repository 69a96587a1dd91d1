;; whole
(component
  (import "karpcheck:rules/inventory@0.1.9" (instance (export "foresee" (func (param "when" u32) (result u32)))))
  (instance $rules)
  (export "karpcheck:rules/rules@0.1.9" (instance $rules)))
