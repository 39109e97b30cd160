// What the values about the image, the pod and the objects around it change. Used by chart-values.
import { type ValueRows, among, container, having, pod } from './chart-matchers.ts';

const tolerations = [{ key: 'dedicated', operator: 'Exists' }];
const affinity = { nodeAffinity: {} };
const spread = { maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' };

export const podRows: ValueRows = {
  'image.repository': [
    [{ image: { repository: 'r.example/x' } }, 'Deployment', container({ image: 'r.example/x:0.1.0' })],
  ],
  'image.tag': [[{ image: { tag: 'main' } }, 'Deployment', container({ image: 'ecr-pull-secrets:main' })]],
  'image.digest': [
    [
      { image: { tag: 'main', digest: `sha256:${'0'.repeat(64)}` } },
      'Deployment',
      container({ image: `ecr-pull-secrets@sha256:${'0'.repeat(64)}` }),
    ],
  ],
  'image.pullPolicy': [
    [{ image: { pullPolicy: 'Always' } }, 'Deployment', container({ imagePullPolicy: 'Always' })],
  ],
  imagePullSecrets: [
    [{ imagePullSecrets: [{ name: 's' }] }, 'Deployment', pod({ imagePullSecrets: [{ name: 's' }] })],
  ],
  logLevel: [[{ logLevel: 'debug' }, 'Deployment', container({ args: ['run', '--log-level=debug'] })]],
  extraEnv: [
    [
      { extraEnv: [{ name: 'A', value: 'b' }] },
      'Deployment',
      container({ env: [{ name: 'A', value: 'b' }] }),
    ],
  ],
  extraVolumes: [
    [
      { extraVolumes: [{ name: 'v', emptyDir: {} }] },
      'Deployment',
      pod({ volumes: [having({ name: 'config' }), { name: 'v', emptyDir: {} }] }),
    ],
  ],
  extraVolumeMounts: [
    [
      { extraVolumeMounts: [{ name: 'v', mountPath: '/v' }] },
      'Deployment',
      container({ volumeMounts: [having({ name: 'config' }), { name: 'v', mountPath: '/v' }] }),
    ],
  ],
  extraContainers: [
    [
      { extraContainers: [{ name: 'c', image: 'i' }] },
      'Deployment',
      pod({ containers: [having({ name: 'controller' }), { name: 'c', image: 'i' }] }),
    ],
  ],
  extraInitContainers: [
    [
      { extraInitContainers: [{ name: 'c', image: 'i' }] },
      'Deployment',
      pod({ initContainers: [{ name: 'c', image: 'i' }] }),
    ],
  ],
  resources: [
    [
      { resources: { limits: { memory: '1Gi' } } },
      'Deployment',
      container({ resources: { limits: { memory: '1Gi' } } }),
    ],
  ],
  podSecurityContext: [
    [
      { podSecurityContext: { fsGroup: 1 } },
      'Deployment',
      pod({ securityContext: { runAsUser: 65_532, fsGroup: 1 } }),
    ],
  ],
  securityContext: [
    [
      { securityContext: { privileged: false } },
      'Deployment',
      container({ securityContext: { privileged: false, readOnlyRootFilesystem: true } }),
    ],
  ],
  podLabels: [
    [
      { podLabels: { a: 'b' } },
      'Deployment',
      { spec: { template: { metadata: { labels: having({ a: 'b' }) } } } },
    ],
  ],
  podAnnotations: [
    [
      { podAnnotations: { a: 'b' } },
      'Deployment',
      { spec: { template: { metadata: { annotations: having({ a: 'b' }) } } } },
    ],
  ],
  priorityClassName: [[{ priorityClassName: 'high' }, 'Deployment', pod({ priorityClassName: 'high' })]],
  nodeSelector: [[{ nodeSelector: { disk: 'ssd' } }, 'Deployment', pod({ nodeSelector: { disk: 'ssd' } })]],
  tolerations: [[{ tolerations }, 'Deployment', pod({ tolerations })]],
  affinity: [[{ affinity }, 'Deployment', pod({ affinity })]],
  topologySpreadConstraints: [
    [
      { replicas: 2, topologySpreadConstraints: [spread] },
      'Deployment',
      pod({ topologySpreadConstraints: [spread] }),
    ],
  ],
  revisionHistoryLimit: [[{ revisionHistoryLimit: 0 }, 'Deployment', { spec: { revisionHistoryLimit: 0 } }]],
  'serviceMonitor.enabled': [
    [
      { serviceMonitor: { enabled: true } },
      'ServiceMonitor',
      { spec: { endpoints: [{ port: 'http', path: '/metrics', honorLabels: true }] } },
    ],
  ],
  'serviceMonitor.labels': [
    [
      { serviceMonitor: { enabled: true, labels: { release: 'p' } } },
      'ServiceMonitor',
      { metadata: { labels: having({ release: 'p' }) } },
    ],
  ],
  'serviceMonitor.interval': [
    [
      { serviceMonitor: { enabled: true, interval: '30s' } },
      'ServiceMonitor',
      { spec: { endpoints: [{ interval: '30s' }] } },
    ],
  ],
  'networkPolicy.enabled': [
    [
      { networkPolicy: { enabled: true } },
      'NetworkPolicy',
      {
        spec: { policyTypes: ['Ingress', 'Egress'], ingress: [{ ports: [{ protocol: 'TCP', port: 8080 }] }] },
      },
    ],
  ],
  'networkPolicy.apiServerPorts': [
    [
      { networkPolicy: { enabled: true, apiServerPorts: [16_443] } },
      'NetworkPolicy',
      { spec: { egress: among({ ports: [{ protocol: 'TCP', port: 16_443 }] }) } },
    ],
  ],
  'networkPolicy.metricsFrom': [
    [
      { networkPolicy: { enabled: true, metricsFrom: [{ podSelector: {} }] } },
      'NetworkPolicy',
      { spec: { ingress: [{ from: [{ podSelector: {} }] }] } },
    ],
  ],
  'networkPolicy.extraEgress': [
    [
      { networkPolicy: { enabled: true, extraEgress: [{ ports: [{ port: 3128 }] }] } },
      'NetworkPolicy',
      { spec: { egress: among({ ports: [{ port: 3128 }] }) } },
    ],
  ],
};
