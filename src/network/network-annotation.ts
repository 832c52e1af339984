/**
 * Annotations and labels of networks and pods, by name.
 * @module
 */

/** Of a SpiderMultusConfig. */
export const NETWORK_ANNOTATION = {
  /** Name of the NAD, when it is not that of the SpiderMultusConfig. */
  nadName: 'multus.spidernet.io/cr-name',
  cniVersion: 'multus.spidernet.io/cni-version',
  /** `name` of the CNI configuration, when it is not that of the NAD. */
  configName: 'cni.spidernet.io/cniconfig-name',
  injectRdma: 'cni.spidernet.io/rdma-resource-inject',
  injectNetwork: 'cni.spidernet.io/network-resource-inject',
  /** What kubectl keeps for itself. */
  lastApplied: 'kubectl.kubernetes.io/last-applied-configuration',
} as const

/** Of a pod, and of a NAD (`resourceName`). */
export const POD_ANNOTATION = {
  networks: 'k8s.v1.cni.cncf.io/networks',
  defaultNetwork: 'v1.multus-cni.io/default-network',
  status: 'k8s.v1.cni.cncf.io/network-status',
  resourceName: 'k8s.v1.cni.cncf.io/resourceName',
} as const

/** Kind and apiVersion of the owner that a derived NAD names. */
export const SMC = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderMultusConfig',
} as const
