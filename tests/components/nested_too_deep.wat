;; Forty components in each other.
;; whole
(component
(component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component ))))))))))))))))))))))))))))))))))))))))
(instance $e) (export "karpcheck:rules/rules@0.1.0" (instance $e)))
